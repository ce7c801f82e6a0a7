"""Our own sentences, labelled like the public development set, and the figures over them."""
