// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

// A package of its own, so that nobody who depends on the library resolves what only a program needs.
let package = Package(
    name: "swift-ice-tool",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "ice", targets: ["IceTool"])
    ],
    dependencies: [
        .package(name: "swift-ice", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    ],
    targets: [
        // A saved trace: read, explained, and shown as a page or as text.
        .target(
            name: "TraceReport", dependencies: [.product(name: "ICE", package: "swift-ice")], swiftSettings: settings),
        // Not named like its product: where file names have no case, the module `ice` would be the library's `ICE`.
        .executableTarget(
            name: "IceTool",
            dependencies: [
                "TraceReport",
                .product(name: "ICE", package: "swift-ice"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Sources/ice", swiftSettings: settings),
        .testTarget(
            name: "IceToolTests",
            dependencies: [
                "IceTool",
                .product(name: "ICE", package: "swift-ice"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "TraceReportTests",
            // The program is run as it is.
            dependencies: [
                "TraceReport", "IceTool", .product(name: "ICE", package: "swift-ice"),
                .product(name: "ICETesting", package: "swift-ice"),
            ],
            swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)
