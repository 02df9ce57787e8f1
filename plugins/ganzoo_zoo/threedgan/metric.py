"""What D's features know of classes: arXiv:1610.07584, section 4.3."""
