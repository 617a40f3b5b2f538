// A debugger's look at the runtime of the workload process: it costs that process nothing, and the
// runtime publishes most of this nowhere else. Where it is not possible (no debugging information,
// no permission, another version's names), the numbers of the gctrace lines have to do.
package main

import (
	"debug/dwarf"
	"debug/elf"
	"encoding/binary"
	"math"
	"os"
	"reflect"
	"runtime"
	"strconv"
	"strings"
)

// Without all of these a cycle is not exact.
var exactNeeded = []string{
	"work.cycles", "work.tSweepTerm", "work.tMark", "work.tMarkTerm", "work.tEnd", "work.heap0",
	"work.heap1", "work.heap2", "gcController.lastHeapGoal", "gcController.assistTime",
	"gcController.dedicatedMarkTime", "gcController.fractionalMarkTime",
	"gcController.idleMarkTime",
}

var exactOptional = []string{
	"gcController.consMark", "gcController.lastHeapScan", "gcController.lastStackScan",
	"gcController.maxStackScan", "gcController.globalsScan", "gcController.heapLive",
	"memstats.gc_cpu_fraction",
}

// snapshot is the values of the runtime's variables at one moment, by name.
type snapshot map[string]float64

func (s snapshot) get(name string) interface{} {
	if v, isThere := s[name]; isThere {
		return v
	}
	return nil
}

// place is where a number lies in the workload's memory.
type place struct {
	name    string
	address int64
	bytes   int
	isFloat bool
}

type peeker struct {
	places []place
	memory *os.File
}

// newPeeker reads the debugging information of this executable, which the workload runs too.
func newPeeker() *peeker {
	p := &peeker{}
	file, err := elf.Open("/proc/self/exe")
	if err != nil {
		return p
	}
	defer file.Close()
	if file.Type != elf.ET_EXEC || file.ByteOrder != binary.LittleEndian {
		return p
	}
	data, err := file.DWARF()
	if err != nil {
		return p
	}
	reader := data.Reader()
	if _, err := reader.SeekPC(uint64(reflect.ValueOf(runtime.GC).Pointer())); err != nil {
		return p
	}
	for found := 0; found < len(peekedVariables); {
		entry, err := reader.Next()
		if err != nil || entry == nil || entry.Tag == dwarf.TagCompileUnit {
			break
		}
		name, _ := entry.Val(dwarf.AttrName).(string)
		if entry.Tag == dwarf.TagVariable && peekedVariables[name] {
			p.addVariable(data, entry, strings.TrimPrefix(name, "runtime."))
			found++
		}
	}
	return p
}

var peekedVariables = map[string]bool{
	"runtime.work": true, "runtime.gcController": true, "runtime.memstats": true,
}

func (p *peeker) addVariable(data *dwarf.Data, entry *dwarf.Entry, name string) {
	location, _ := entry.Val(dwarf.AttrLocation).([]byte)
	offset, isThere := entry.Val(dwarf.AttrType).(dwarf.Offset)
	const addressOf = 3 // DW_OP_addr
	if len(location) != 9 || location[0] != addressOf || !isThere {
		return
	}
	t, err := data.Type(offset)
	if err != nil {
		return
	}
	base := int64(binary.LittleEndian.Uint64(location[1:]))
	for _, path := range append(append([]string{}, exactNeeded...), exactOptional...) {
		if strings.HasPrefix(path, name+".") {
			p.addField(path, strings.TrimPrefix(path, name+"."), t, base)
		}
	}
}

func (p *peeker) addField(path, field string, t dwarf.Type, address int64) {
	for {
		switch inner := t.(type) {
		case *dwarf.TypedefType:
			t = inner.Type
			continue
		case *dwarf.StructType:
			isFound := false
			for _, f := range inner.Field {
				if isFound = f.Name == field; isFound {
					t, address, field = f.Type, address+f.ByteOffset, "value" // of an atomic
					break
				}
			}
			if !isFound {
				return
			}
			continue
		}
		_, isFloat := t.(*dwarf.FloatType)
		p.places = append(p.places, place{path, address, int(t.Size()), isFloat})
		return
	}
}

func (p *peeker) attach(pid int) {
	if len(p.places) > 0 {
		p.memory, _ = os.Open("/proc/" + strconv.Itoa(pid) + "/mem")
	}
}

// look reads everything now; nil: not possible, or a cycle began meanwhile.
func (p *peeker) look() snapshot {
	s := p.read()
	if again := p.read(); s == nil || again == nil || s["work.cycles"] != again["work.cycles"] {
		return nil
	}
	return s
}

func (p *peeker) read() snapshot {
	if p.memory == nil {
		return nil
	}
	s := snapshot{}
	var buffer [8]byte
	for _, at := range p.places {
		if at.bytes != 4 && at.bytes != 8 {
			continue
		}
		buffer = [8]byte{}
		if _, err := p.memory.ReadAt(buffer[:at.bytes], at.address); err != nil {
			return nil
		}
		bits := binary.LittleEndian.Uint64(buffer[:])
		if at.isFloat {
			s[at.name] = math.Float64frombits(bits)
		} else {
			s[at.name] = float64(int64(bits))
		}
	}
	return s
}
