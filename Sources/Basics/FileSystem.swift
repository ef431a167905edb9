import CFileSystem

package enum FileSystem {
  /// File systems of this machine, by their numbers in statfs(2): ext2 to ext4, XFS, Btrfs, tmpfs,
  /// overlayfs, F2FS, ZFS, bcachefs.
  private static let local: Set<UInt32> = [
    0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994, 0x794C_7630, 0xF2F5_2010, 0x2FC1_2FC1,
    0xCA45_1A4E,
  ]

  /// File systems that expose processes and the kernel, by their numbers in statfs(2): proc(5) and
  /// sysfs(5).
  private static let ofKernel: Set<UInt32> = [0x9FA0, 0x6265_6572]

  /// Whether an open file exposes processes or the kernel, wherever its file system is mounted.
  package static func isOfKernel(_ descriptor: Int32) -> Bool {
    var information = statfs()
    guard fstatfs(descriptor, &information) == 0 else { return false }
    return ofKernel.contains(UInt32(truncatingIfNeeded: information.f_type))
  }

  /// Whether a file is on a file system of this machine, where calls on small files return from memory.
  /// On others each call may take a round trip, or hang.
  ///
  /// - Returns: false also for an unknown file system, and if the file cannot be examined.
  package static func isLocal(_ path: String) -> Bool {
    var information = statfs()
    guard statfs(path, &information) == 0 else { return false }
    return local.contains(UInt32(truncatingIfNeeded: information.f_type))
  }
}
