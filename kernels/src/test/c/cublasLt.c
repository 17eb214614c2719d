/* The stand-in for libcublasLt, without which libcublas does not load. */
#include "standin.h"

EXPORT int standin_lt(void) { return 1; }
