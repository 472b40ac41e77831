"""OAuth 2.0 as a native client speaks it: one file per specification, pure."""
