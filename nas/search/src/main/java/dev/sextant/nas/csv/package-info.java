/** Tables of text as programs and spreadsheets write them. */
package dev.sextant.nas.csv;
