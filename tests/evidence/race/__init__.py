"""The same at the same moment, on an engine whose conditional writes are atomic across threads."""
