/** What pages for a browser are made of. */
package dev.sextant.nas.report.page;
