//! Bounds of the receivers, each by what exceeds it.
