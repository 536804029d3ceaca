"""What measures the programs of this folder, and writes down what came of it."""
