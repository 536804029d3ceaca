"""What checks of several processes are played with."""
