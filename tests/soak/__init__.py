"""Long trials, by hand: `./run soak`. What they came to last stands in `tests/reports`."""
