// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

func program(_ name: String, _ products: String...) -> Target {
    .executableTarget(
        name: name, dependencies: ["Measuring"] + products.map { .product(name: $0, package: "swift-ice") },
        swiftSettings: settings)
}

// A package of its own: it sees only public API, as a user does. Sources/Codec is of the library's own manifest, as it sees a core.
let package = Package(
    name: "swift-ice-benchmarks",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "bench-connect", targets: ["Connect"]),
        .executable(name: "bench-calls", targets: ["Calls"]),
        .executable(name: "bench-data", targets: ["Data"]),
    ],
    dependencies: [.package(name: "swift-ice", path: "..")],
    targets: [
        // What a process costs, and the system calls that are C's.
        .target(name: "CMeasuring"),
        .target(name: "Measuring", dependencies: ["CMeasuring"], swiftSettings: settings),

        program("Connect", "ICE", "ICETesting"),
        program("Calls", "ICE"),
        program("Data", "ICE"),
    ],
    swiftLanguageModes: [.v6]
)
