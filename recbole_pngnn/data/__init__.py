"""Rating data from outside, as atomic files; needs neither torch nor RecBole."""
