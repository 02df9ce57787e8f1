"""What is shown while a training goes on: a panel in a terminal, plain lines elsewhere, pictures in a notebook."""
