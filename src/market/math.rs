//! Elementary functions over `libm`, the same on every system.
