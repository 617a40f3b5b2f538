// Reading a scenario document: values by key, defaults, what is left over.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// refusals is why this engine does not take a scenario, a line each.
type refusals struct{ lines []string }

func (r *refusals) add(format string, values ...interface{}) {
	r.lines = append(r.lines, fmt.Sprintf(format, values...))
}

// object is a JSON object of which the keys asked for are ticked off.
type object struct {
	path    string // of its members: "gc."
	members map[string]interface{}
	asked   map[string]bool
	*refusals
}

func parseDocument(text []byte, r *refusals) object {
	o := object{asked: map[string]bool{}, refusals: r}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&o.members); err != nil {
		r.add("the scenario is no JSON object: %v", err)
	}
	return o
}

func (o object) get(key string) interface{} {
	o.asked[key] = true
	return o.members[key]
}

func (o object) wrong(key string, value interface{}, want string) {
	text, _ := json.Marshal(value)
	o.add("%s%s: found %s, expected %s", o.path, key, text, want)
}

// within is v as an object whose place is path.
func (o object) within(path string, v interface{}) object {
	members, isObject := v.(map[string]interface{})
	if v != nil && !isObject {
		o.wrong(path, v, "an object")
	}
	return object{path: o.path + path + ".", members: members, asked: map[string]bool{},
		refusals: o.refusals}
}

func (o object) object(key string) object { return o.within(key, o.get(key)) }

// list calls each with every element of the array key.
func (o object) list(key string, each func(i int, v object)) {
	v := o.get(key)
	array, isArray := v.([]interface{})
	if v != nil && !isArray {
		o.wrong(key, v, "an array")
	}
	for i, element := range array {
		each(i, o.within(key+"."+strconv.Itoa(i), element))
	}
}

func (o object) text(key, missing string) string {
	v := o.get(key)
	if v == nil {
		return missing
	}
	text, isText := v.(string)
	if !isText {
		o.wrong(key, v, "a string")
	}
	return text
}

func (o object) flag(key string, missing bool) bool {
	v := o.get(key)
	if v == nil {
		return missing
	}
	flag, isFlag := v.(bool)
	if !isFlag {
		o.wrong(key, v, "true or false")
	}
	return flag
}

// Units a number may have; longest first where one ends like another.
var units = []struct {
	name  string
	value uint64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"B", 1},
	{"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000},
}

func parseQuantity(text string) (uint64, bool) {
	factor := uint64(1)
	for _, u := range units {
		if strings.HasSuffix(text, u.name) {
			text, factor = strings.TrimSuffix(text, u.name), u.value
			break
		}
	}
	if n, err := strconv.ParseUint(text, 10, 64); err == nil {
		high, low := bits.Mul64(n, factor)
		return low, high == 0
	}
	f, err := strconv.ParseFloat(text, 64)
	f *= float64(factor)
	return uint64(f), err == nil && f >= 0 && f < 1<<63 && f == float64(uint64(f))
}

// number is the whole number at key, which may have a unit.
func (o object) number(key string, missing uint64) uint64 {
	v := o.get(key)
	text := ""
	switch v := v.(type) {
	case nil:
		return missing
	case json.Number:
		text = v.String()
	case string:
		text = v
	}
	n, isNumber := parseQuantity(text)
	if !isNumber {
		o.wrong(key, v, "a whole number")
	}
	return n
}

// special is the same where one word stands for a number.
func (o object) special(key string, missing uint64, word string, value uint64) uint64 {
	if o.get(key) == word {
		return value
	}
	return o.number(key, missing)
}

func (o object) real(key string, missing float64) float64 {
	v := o.get(key)
	n, isNumber := v.(json.Number)
	if v == nil {
		return missing
	}
	f, err := n.Float64()
	if !isNumber || err != nil {
		o.wrong(key, v, "a number")
	}
	return f
}

// word is the index of the word at key in words.
func (o object) word(key string, missing uint64, words ...string) uint64 {
	v := o.get(key)
	if v == nil {
		return missing
	}
	for i, word := range words {
		if v == word {
			return uint64(i)
		}
	}
	o.wrong(key, v, strings.Join(words, ", "))
	return missing
}

// isNothing tells whether a value asks for nothing.
func isNothing(v interface{}) bool {
	switch v := v.(type) {
	case nil:
		return true
	case bool:
		return !v
	case json.Number:
		f, err := v.Float64()
		return err == nil && f == 0
	case string:
		return v == "" || v == "none" || v == "off"
	case []interface{}:
		return len(v) == 0
	case map[string]interface{}:
		return len(v) == 0
	}
	return false
}

// finish refuses what nobody has asked for, unless it asks for nothing.
func (o object) finish() {
	for _, key := range sortedKeys(o.members) {
		if !o.asked[key] && !isNothing(o.members[key]) {
			text, _ := json.Marshal(o.members[key])
			if len(text) > 60 {
				text = append(text[:60], "..."...)
			}
			o.add("%s%s: real Go cannot do this (found %s)", o.path, key, text)
		}
	}
}
