echo ok
hello World
