"""The suite: rooms one to one; in real kernels the numbered cases, the notebooks cut and resumed, the kills."""
