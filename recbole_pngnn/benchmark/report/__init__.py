"""Tables, plots and a page, made from the records of a suite and from nothing else."""
