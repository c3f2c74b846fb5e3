//! Does it keep its promises when everything fails?
