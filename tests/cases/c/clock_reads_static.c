#include "clock_reads.c"
