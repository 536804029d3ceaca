/// Which of many alarms goes first: a heap with four children to a node, where an alarm can be moved and taken out.
///
/// Times lie side by side, so that thousands of alarms cost few cache lines.
struct AlarmHeap {
    /// An alarm that is set.
    struct Entry {
        let time: Int64
        let slot: Int32
    }

    private var entries: [Entry] = []
    /// Where in the heap each slot's entry is; -1 where it is not set.
    private var places: [Int32] = []
    private var freeSlots: [Int32] = []

    /// The alarm that goes first.
    var first: Entry? { entries.first }

    /// How many alarms are set.
    var count: Int { entries.count }

    /// A slot for an alarm that is not set yet.
    mutating func makeSlot() -> Int32 {
        if let slot = freeSlots.popLast() { return slot }
        places.append(-1)
        return Int32(places.count - 1)
    }

    /// Gives a slot back.
    mutating func free(_ slot: Int32) {
        remove(slot)
        freeSlots.append(slot)
    }

    /// Sets an alarm, or sets it anew.
    mutating func set(_ slot: Int32, to time: Int64) {
        let entry = Entry(time: time, slot: slot)
        let place = Int(places[Int(slot)])
        if place < 0 {
            entries.append(entry)
            rise(entry, from: entries.count - 1)
        } else if time < entries[place].time {
            rise(entry, from: place)
        } else {
            sink(entry, from: place)
        }
    }

    /// Takes the setting back, if there is one.
    mutating func remove(_ slot: Int32) {
        let place = Int(places[Int(slot)])
        guard place >= 0 else { return }
        places[Int(slot)] = -1
        let last = entries.removeLast()
        guard place < entries.count else { return }
        // It comes from another branch: it may belong above as well as below.
        if last.time < entries[place].time { rise(last, from: place) } else { sink(last, from: place) }
    }

    private mutating func put(_ entry: Entry, at place: Int) {
        entries[place] = entry
        places[Int(entry.slot)] = Int32(place)
    }

    private mutating func rise(_ entry: Entry, from start: Int) {
        var place = start
        while place > 0 {
            let parent = (place - 1) / 4
            guard entry.time < entries[parent].time else { break }
            put(entries[parent], at: place)
            place = parent
        }
        put(entry, at: place)
    }

    private mutating func sink(_ entry: Entry, from start: Int) {
        var place = start
        while true {
            let children = (place * 4 + 1)..<min(place * 4 + 5, max(place * 4 + 1, entries.count))
            guard var least = children.first else { break }
            for child in children where entries[child].time < entries[least].time { least = child }
            guard entries[least].time < entry.time else { break }
            put(entries[least], at: place)
            place = least
        }
        put(entry, at: place)
    }
}
