//go:build !race

package wire

const poisoned = false

func poison([]byte) {}

func poisonInts[T ~int16 | ~uint16 | ~uint32]([]T) {}
