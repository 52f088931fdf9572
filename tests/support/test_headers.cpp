// Holds nothing: a target of CMake's needs a source, and test_headers is one for the precompiled header of the tests.
