"""Training of Toybox: the theatre that makes the data, one module per stage, and the loop that they share."""
