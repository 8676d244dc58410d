"""The suite: rooms one to one; in real kernels the numbered cases, the cut notebooks, the kills."""
