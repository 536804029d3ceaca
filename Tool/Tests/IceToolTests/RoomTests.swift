import Foundation
import ICE
import Testing

@testable import IceTool

struct RoomTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)

    @Test("Where nothing can be written, that is told at once")
    func unwritable() throws {
        let loop = try EventLoop()
        let room = try Room(at: folder.path, on: loop)
        try FileManager.default.removeItem(at: folder)
        let fault = #expect(throws: Unpublished.self) { try room.publish("ice1:x") }?.fault
        #expect(fault?.name == "room" && fault?.message.contains(folder.path) == true)
        room.close()
        loop.close()
    }

    @Test("A folder is made, but none that it would be in")
    func missing() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let inner = folder.appendingPathComponent("inner")
        let fault = #expect(throws: Unpublished.self) { try Room(at: inner.path, on: loop) }?.fault
        #expect(fault?.name == "room" && fault?.message.contains(inner.path) == true)
        #expect(!FileManager.default.fileExists(atPath: folder.path))
        try Room(at: folder.path, on: loop).close()
        try FileManager.default.removeItem(at: folder)
    }

    @Test("Only this user can read the line, which is gone in the end")
    func mode() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let room = try Room(at: folder.path, on: loop)
        defer { try? FileManager.default.removeItem(at: folder) }
        try room.publish("ice1:x")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        let path = folder.appendingPathComponent(try #require(files.first)).path
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(files.count == 1 && mode == 0o600)
        room.close()
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }

    @Test("Only short files are read, and nothing that is no file")
    func files() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func path(_ name: String) -> String { folder.appendingPathComponent(name).path }
        try Data("ice1:x\n1\n".utf8).write(to: folder.appendingPathComponent("short"))
        try Data(count: Room.longestFile + 1).write(to: folder.appendingPathComponent("long"))
        try FileManager.default.createSymbolicLink(atPath: path("link"), withDestinationPath: path("short"))
        try #require(mkfifo(path("pipe"), 0o600) == 0)
        #expect(Room.text(ofFile: path("short")) == "ice1:x\n1\n")
        for name in ["long", "link", "pipe", "absent", ""] { #expect(Room.text(ofFile: path(name)) == nil, "\(name)") }
    }

    @Test("A bad file is told once, and hides none behind it")
    func badFile() {
        var watch = RoomWatch()
        var told: [String] = []
        for beat in 0..<20 {
            told += watch.observe([("a", "nonsense\n\(beat)\n"), ("b", "\(beat)\n"), ("c", "ice1:x\n\(beat)\n")])
        }
        #expect(told == ["nonsense", "1", "ice1:x", "2", "3"])
    }
}
