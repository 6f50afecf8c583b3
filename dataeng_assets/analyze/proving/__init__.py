"""What a proof is made of: the columns two statements use, data sets that try to tell them apart, and their run."""
