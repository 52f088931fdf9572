// The order of work on the emulated device, for what has the headers of a real one.
#pragma once

// Does what was enqueued on the default stream.
void finish_what_waits();
