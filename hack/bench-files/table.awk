# Prints samples as a table of medians with their spread, and ratios that are
# taken round by round.
#
#   awk -f table.awk -v columns='metric=title;...' -v rows='contender=title;...' \
#     -v ratios='contender/contender=title;...' SAMPLES
#
# A sample is a line of contender, metric, round and value, with tabs between.

BEGIN { FS = "\t" }

{
  value[$1, $2, $3] = $4
  seen[$3] = 1
}

function sort(list, n,   i, j, x) {
  for (i = 2; i <= n; i++) {
    x = list[i]
    for (j = i - 1; j > 0 && list[j] > x; j--) list[j + 1] = list[j]
    list[j + 1] = x
  }
}

function number(x) {
  if (x >= 99.95) return sprintf("%.0f", x)
  if (x >= 9.995) return sprintf("%.1f", x)
  if (x >= 0.9995) return sprintf("%.2f", x)
  return sprintf("%.3f", x)
}

# cell(a, b, metric): median and spread of a, or of a/b where b is given.
function cell(a, b, metric,   list, n, round, middle) {
  n = 0
  for (round in seen) {
    if (!((a, metric, round) in value)) continue
    if (b == "") list[++n] = value[a, metric, round] + 0
    else if (value[b, metric, round] > 0) list[++n] = value[a, metric, round] / value[b, metric, round]
  }
  if (n == 0) return "-"
  sort(list, n)
  middle = n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
  return n == 1 ? number(middle) : number(middle) " (" number(list[1]) "-" number(list[n]) ")"
}

END {
  columns_n = split(columns, column, ";")
  printf "   %-44s", ""
  for (c = 1; c <= columns_n; c++) printf "%22s", substr(column[c], index(column[c], "=") + 1)
  printf "\n"
  lines_n = split(rows ";" ratios, line, ";")
  for (l = 1; l <= lines_n; l++) {
    if (line[l] == "") continue
    split(substr(line[l], 1, index(line[l], "=") - 1), who, "/")
    if (!index(substr(line[l], 1, index(line[l], "=") - 1), "/")) who[2] = ""
    printf "   %-44s", substr(line[l], index(line[l], "=") + 1)
    for (c = 1; c <= columns_n; c++) printf "%22s", cell(who[1], who[2], substr(column[c], 1, index(column[c], "=") - 1))
    printf "\n"
  }
}
