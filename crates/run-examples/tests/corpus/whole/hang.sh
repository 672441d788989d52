echo 1..2
echo ok 1 - a
hang now
echo ok 2 - b
