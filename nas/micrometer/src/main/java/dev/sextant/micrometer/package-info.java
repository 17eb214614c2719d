/** What an application that measures with Micrometer links beside the runtime. */
package dev.sextant.micrometer;
