endless | head -c 3000000
