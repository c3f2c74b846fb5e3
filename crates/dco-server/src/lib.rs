//! Where does the outside world come in?
