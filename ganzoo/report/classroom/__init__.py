"""A training on points as the first GAN paper draws it (arXiv:1406.2661, figure 1): data, samples, D's output."""
