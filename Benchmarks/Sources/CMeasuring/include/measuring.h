// What a process has cost so far, and the system calls that the programs need beside it.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Processor time of the process, user's and system's, in seconds.
double measuring_cpu_seconds(void);

/// Bytes of the heap that are in use; what the kernel holds for the process is not among them. 0 where it can't be told.
size_t measuring_heap_bytes(void);

/// Bytes of memory that are resident. 0 where it can't be told.
size_t measuring_resident_bytes(void);

/// How often memory was asked for since the process began. 0 where it can't be told.
uint64_t measuring_allocations(void);

/// Lets the process open as many descriptors as the system lets it.
void measuring_raise_descriptor_limit(void);

/// From now on SIGTERM is noted, and ends nothing.
void measuring_watch_for_end(void);

/// Whether SIGTERM came.
bool measuring_has_ended(void);

/// Writes all bytes; false if the other side is gone.
bool measuring_write(int descriptor, const void *bytes, size_t count);

/// Waits for bytes, and reads at most so many; 0 at the end.
size_t measuring_read(int descriptor, void *bytes, size_t capacity);
