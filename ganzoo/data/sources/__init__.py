"""One data set, or one family of data sets, a file."""
