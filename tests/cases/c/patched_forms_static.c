// The same, linked statically.
#include "patched_forms.c"
