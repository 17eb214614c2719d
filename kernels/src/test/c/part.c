/* A part of a library, without which the whole does not load or work. */
#include "standin.h"

EXPORT int PART(void) { return 1; }
