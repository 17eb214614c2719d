/** What a network's layers take of a battery. */
package dev.example.cost;
