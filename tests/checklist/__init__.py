"""What the specifications demand, and which tests show it."""
