"""A user's own files: folders of images, of pairs, with labels, attributes or captions."""
