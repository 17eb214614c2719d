/** What a service codes against: a predictor for any number of request threads. */
package dev.sextant.runtime.service;
