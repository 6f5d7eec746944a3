package templates_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/Masterminds/sprig/v3"
)

// refused are sprig's functions whose result depends on the clock, on chance,
// on the machine or on the network.
const refused = `
ago bcrypt date dateInZone dateModify date_in_zone date_modify durationRound encryptAES env expandenv
genCA genCAWithKey genPrivateKey genSelfSignedCert genSelfSignedCertWithKey genSignedCert genSignedCertWithKey getHostByName
htmlDate htmlDateInZone htpasswd mustDateModify mustToDate must_date_modify now
randAlpha randAlphaNum randAscii randBytes randInt randNumeric shuffle toDate uuidv4`

// repeatable are sprig's functions whose result depends on their arguments
// alone. keys and values are among them because ours replace them.
const repeatable = `
abbrev abbrevboth add add1 add1f addf adler32sum all any append atoi b32dec b32enc b64dec b64enc base biggest buildCustomCert
camelcase cat ceil chunk clean coalesce compact concat contains decryptAES deepCopy deepEqual default derivePassword dict dig dir
div divf duration empty ext fail first float64 floor fromJson get has hasKey hasPrefix hasSuffix hello indent initial initials int
int64 isAbs join kebabcase keys kindIs kindOf last list lower max maxf merge mergeOverwrite min minf mod mul mulf mustAppend
mustChunk mustCompact mustDeepCopy mustFirst mustFromJson mustHas mustInitial mustLast mustMerge mustMergeOverwrite mustPrepend
mustPush mustRegexFind mustRegexFindAll mustRegexMatch mustRegexReplaceAll mustRegexReplaceAllLiteral mustRegexSplit mustRest
mustReverse mustSlice mustToJson mustToPrettyJson mustToRawJson mustUniq mustWithout nindent nospace omit osBase osClean osDir
osExt osIsAbs pick pluck plural prepend push quote regexFind regexFindAll regexMatch regexQuoteMeta regexReplaceAll
regexReplaceAllLiteral regexSplit repeat replace rest reverse round semver semverCompare seq set sha1sum sha256sum sha512sum slice
snakecase sortAlpha split splitList splitn squote sub subf substr swapcase ternary title toDecimal toJson toPrettyJson toRawJson
toString toStrings trim trimAll trimPrefix trimSuffix trimall trunc tuple typeIs typeIsLike typeOf uniq unixEpoch unset until
untilStep untitle upper urlJoin urlParse values without wrap wrapWith`

func TestEveryFunctionOfSprigIsClassified(t *testing.T) {
	t.Parallel()
	all := slices.Concat(strings.Fields(refused), strings.Fields(repeatable))
	slices.Sort(all)
	if again := slices.Compact(slices.Clone(all)); len(again) != len(all) {
		t.Error("a function is in a list twice, or in both")
	}
	known := slices.Sorted(maps.Keys(sprig.TxtFuncMap()))
	for _, name := range known {
		if !slices.Contains(all, name) {
			t.Errorf("sprig's %s is new: does its result depend on its arguments alone? Refuse it in templates.go if not, and add it to a list here", name)
		}
	}
	for _, name := range all {
		if !slices.Contains(known, name) {
			t.Errorf("sprig has no %s any more: remove it here and from templates.go", name)
		}
	}
}

func TestRefusedFunctionsSayTheirNameAndWhy(t *testing.T) {
	t.Parallel()
	for name := range strings.FieldsSeq(refused) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := render(t, `{{ `+name+` "a" 1 }}`)
			want := "the function " + name + " is refused: its result changes from run to run or from machine to machine"
			if err == nil || !strings.Contains(err.Error(), want) || got != "" {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestRepeatableFunctionsAreNotRefused(t *testing.T) {
	t.Parallel()
	for name := range strings.FieldsSeq(repeatable) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Most refuse the arguments, none itself.
			if _, err := render(t, `{{ `+name+` "a" }}`); err != nil && strings.Contains(err.Error(), "is refused") {
				t.Error(err)
			}
		})
	}
}
