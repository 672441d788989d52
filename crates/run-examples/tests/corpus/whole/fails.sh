hello World
exit 3
