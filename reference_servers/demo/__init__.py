"""The demo: both servers on this machine, with two people and their records."""
