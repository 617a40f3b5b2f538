// Which key index an operation takes next: the same generators, seeds and draws as in the other
// engines. (zipf: as far as the two mathematical libraries round alike in the last bit.)
package main

import (
	"math"
	"math/bits"
)

// fastrand64 is one step of wyrand.
func fastrand64(state *uint64) uint64 {
	*state += 0xa0761d6478bd642f
	high, low := bits.Mul64(*state, *state^0xe7037ed1a0b428db)
	return high ^ low
}

// split is output number index of splitmix64 started at seed.
func split(seed, index uint64) uint64 {
	z := seed + (index+1)*0x9e3779b97f4a7c15
	z ^= z >> 30
	z *= 0xbf58476d1ce4e5b9
	z ^= z >> 27
	z *= 0x94d049bb133111eb
	return z ^ z>>31
}

// Products are converted explicitly so that no processor fuses them with an addition.

// integral of t^-theta from 1 to x.
func integral(theta, x float64) float64 {
	power, logX := 1-theta, math.Log(x)
	if math.Abs(power*logX) < 1e-12 {
		return logX
	}
	return math.Expm1(float64(power*logX)) / power
}

func integralInverse(theta, area float64) float64 {
	power := 1 - theta
	if math.Abs(power*area) < 1e-12 {
		return math.Exp(area)
	}
	scaled := float64(power * area)
	if scaled <= -1 {
		scaled = -1 + 0x1p-53
	}
	return math.Exp(math.Log1p(scaled) / power)
}

// prepareZipf fills in what the draws of o need.
func (o *op) prepareZipf() {
	o.low = integral(o.theta, 1.5) - 1
	o.high = integral(o.theta, float64(o.space)+0.5)
	o.sure = 2 - integralInverse(o.theta, integral(o.theta, 2.5)-math.Pow(2, -o.theta))
}

// zipf draws a rank by rejection-inversion (Hoermann and Derflinger 1996).
func (o *op) zipf(rng *uint64) uint64 {
	for {
		unit := float64(fastrand64(rng)>>11) * 0x1p-53
		area := o.high + float64(unit*(o.low-o.high))
		x := integralInverse(o.theta, area)
		rank := math.Floor(x + 0.5)
		if rank < 1 {
			rank = 1
		}
		if rank > float64(o.space) {
			rank = float64(o.space)
		}
		accept := rank-x <= o.sure ||
			area >= integral(o.theta, rank+0.5)-math.Pow(rank, -o.theta)
		if !accept {
			continue
		}
		if index := uint64(rank) - 1; index < o.space {
			return index
		}
		return o.space - 1
	}
}

// next is the next key index of o.
func (o *op) next(st *state) uint64 {
	if o.dist != distSequential {
		return o.draw(st)
	}
	position := st.position
	st.position = position + 1
	return st.start + position*o.step
}

func (o *op) draw(st *state) uint64 {
	st.position++
	if o.dist == distZipf {
		return st.start + o.zipf(&st.rng)
	}
	high, _ := bits.Mul64(fastrand64(&st.rng), o.space)
	return st.start + high
}

// keyText writes "key-" and the index, zero-padded on the left to the whole of out.
func keyText(out []byte, index uint64) {
	prefix := 0
	if len(out) >= 5 {
		prefix = copy(out, "key-")
	}
	for i := len(out); i > prefix; i-- {
		out[i-1] = byte('0' + index%10)
		index /= 10
	}
}
