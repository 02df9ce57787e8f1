"""The gallery: a local web page of all runs, with live sampling. Its server is the extra ``ganzoo[gallery]``."""
