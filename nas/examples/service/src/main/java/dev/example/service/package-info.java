/** Classification over HTTP. */
package dev.example.service;
