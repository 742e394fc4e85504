"""What a shot is given, read from its files, laid on a canvas and pasted back."""
