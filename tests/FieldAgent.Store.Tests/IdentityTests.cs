using System.Security.Cryptography;
using FieldAgent.Core;
using FieldAgent.Store.Keys;

namespace FieldAgent.Store.Tests;

/// <summary>The epoch of the identity, and what must not go on over a change of it.</summary>
public sealed class IdentityTests
{
    [Fact]
    [Promise("R21")]
    public void The_epoch_outlives_a_restart_a_crash_and_the_loss_of_the_database()
    {
        using var bench = new Bench();
        Assert.Equal(0, bench.Store.Epochs.Epoch);
        bench.Store.Epochs.Rotate(erase: false);
        bench.Reopen();
        Assert.Equal(1, bench.Store.Epochs.Epoch);
        Assert.Equal(1, bench.Store.Keys.Epoch);

        bench.Store.Epochs.Rotate(erase: false);
        bench.Store.Dispose();
        File.WriteAllText(Path.Join(bench.Options.Directory, "state.db"), "no database");
        bench.Reopen();
        Assert.Equal(2, bench.Store.Epochs.Epoch);
    }

    [Fact]
    [Promise("R21")]
    public void An_identity_of_an_earlier_version_is_read_and_keeps_its_keys()
    {
        using var bench = new Bench();
        var key = Key(bench.Store);
        var id = bench.Store.Keys.InstallationId;
        bench.Store.Dispose();

        // The file as it was before there were epochs: the device key alone is sealed.
        var path = Path.Join(bench.Options.Directory, "identity");
        var root = File.ReadAllBytes(Path.Join(bench.Options.Directory, "root.key"));
        var now = File.ReadAllBytes(path);
        using var aes = new AesGcm(root, Sealed.TagBytes);
        var plain = new byte[36];
        Assert.True(Sealed.TryOpen(aes, now.AsSpan(24, 64), plain, now.AsSpan(0, 24)));
        var old = new byte[92];
        "FAident1"u8.CopyTo(old);
        now.AsSpan(8, 16).CopyTo(old.AsSpan(8));
        Sealed.Seal(aes, plain.AsSpan(0, 32), old.AsSpan(0, 24)).CopyTo(old.AsSpan(24));
        SHA256.HashData(old.AsSpan(0, 84)).AsSpan(0, 8).CopyTo(old.AsSpan(84));
        File.WriteAllBytes(path, old);

        bench.Reopen();
        Assert.Equal((0, id), (bench.Store.Epochs.Epoch, bench.Store.Keys.InstallationId));
        Assert.Equal(key, Key(bench.Store));
        bench.Store.Epochs.Rotate(erase: false);
        bench.Reopen();
        Assert.Equal(1, bench.Store.Epochs.Epoch);
        Assert.Equal(key, Key(bench.Store));
    }

    [Fact]
    [Promise("R22")]
    public void Numbers_begin_at_one_under_each_pseudonym_and_consents_given_before_have_none()
    {
        using var bench = new Bench();
        var set = Bench.Set();
        bench.Store.Consents.Append(Consent("fleet-location"));
        bench.Fill(set, 5);
        Assert.Equal(5, Deliver(bench).Count);
        bench.Store.Epochs.Rotate(erase: false);

        var later = bench.Store.Consents.Append(Consent("fleet-location"));
        bench.Fill(set, 2, permit: Admit.Permit("telemetry", "instrument.measurement") with { ConsentId = 1 });
        bench.Fill(set, 1, permit: Admit.Permit("telemetry", "instrument.measurement") with { ConsentId = later.Id });
        var after = Deliver(bench);
        Assert.Equal([1L, 2L, 3L], after.Select(static i => i.Id));
        Assert.Equal([1L, 2L, 3L], after.Select(static i => i.Sequence));
        Assert.Equal([0L, 0L, 1L], after.Select(static i => i.Consent));

        // And after a restart they go on.
        bench.Reopen();
        bench.Fill(set, 1);
        var next = Assert.Single(Deliver(bench));
        Assert.Equal((4L, 4L), (next.Id, next.Sequence));
    }

    [Fact]
    [Promise("R22")]
    public void What_may_have_been_sent_keeps_the_pseudonym_and_what_was_not_goes_out_under_the_new_one()
    {
        using var bench = new Bench();
        var set = Bench.Set();
        bench.Fill(set, 3);
        using (var reader = bench.Spool.OpenReader("vendor"))
        {
            var item = new SpoolItem();
            Assert.True(reader.TryRead(item));
            reader.Acknowledge(item.Id);
            Assert.True(reader.TryRead(item));
        }

        // The second was given to a courier and not acknowledged.
        var fault = Assert.Throws<StoreFault>(() => bench.Store.Epochs.Rotate(erase: false));
        Assert.Equal(StoreFaultKind.Refused, fault.Kind);
        Assert.Equal(0, bench.Store.Epochs.Epoch);
        using (var reader = bench.Spool.OpenReader("vendor"))
        {
            var item = new SpoolItem();
            Assert.True(reader.TryRead(item));
            Assert.Equal(2, item.Sequence);
            reader.Acknowledge(item.Id);
        }

        Assert.Equal(0, bench.Store.Epochs.Rotate(erase: false));
        var left = Assert.Single(Deliver(bench));
        Assert.Equal((1L, 1L), (left.Id, left.Sequence));
    }

    [Fact]
    [Promise("R22")]
    public void With_erase_nothing_of_before_goes_out_neither_readings_nor_announcements()
    {
        using var bench = new Bench();
        var set = Bench.Set();
        bench.Fill(set, 4);
        bench.Take(set, 3);
        bench.Spool.Erase("telemetry", "instrument.measurement", GapReason.ConsentWithdrawn);
        bench.Fill(set, 2);
        bench.Take(set, 1);
        Assert.Equal(22, bench.Store.Epochs.Rotate(erase: true));
        Assert.Equal(0, bench.Counters["store.rotation-untidy"]);
        Assert.Empty(Deliver(bench));
        bench.Reopen();
        Assert.Empty(Deliver(bench));
        bench.Fill(set, 1);
        var only = Assert.Single(Deliver(bench));
        Assert.Equal((1L, 1L), (only.Id, only.Sequence));
    }

    [Fact]
    [Promise("R22")]
    public void Old_command_ids_are_not_known_any_more()
    {
        using var bench = new Bench();
        Assert.Null(bench.Store.Commands.Begin("vendor/a", "status", long.MaxValue));
        bench.Store.Epochs.Rotate(erase: false);
        Assert.Null(bench.Store.Commands.Begin("vendor/a", "status", long.MaxValue));
    }

    [Fact]
    [Promise("R22")]
    public void Farewells_are_due_for_names_that_were_used_until_they_are_said()
    {
        using var bench = new Bench(static o => o with { Recipients = ["vendor", "lab"] });
        bench.Store.Epochs.Rotate(erase: false);
        Assert.Empty(bench.Store.Epochs.Farewells);
        Assert.False(bench.Store.Epochs.IsUsed);
        bench.Store.Epochs.Using("lab", "some-name");
        Assert.True(bench.Store.Epochs.IsUsed);
        bench.Store.Epochs.Rotate(erase: false);
        bench.Reopen();
        Assert.False(bench.Store.Epochs.IsUsed);
        var due = Assert.Single(bench.Store.Epochs.Farewells);
        Assert.Equal(new Farewell("lab", 1, "some-name"), due);
        bench.Store.Epochs.Said(due);
        bench.Reopen();
        Assert.Empty(bench.Store.Epochs.Farewells);
    }

    [Fact]
    [Promise("R22")]
    public void A_power_cut_before_the_new_epoch_leaves_the_old_one_whole_and_one_after_it_finishes_the_change()
    {
        using var bench = new Bench();
        bench.Fill(Bench.Set(), 3);
        Deliver(bench);
        bench.Store.Epochs.Using("vendor", "some-name");
        Assert.Null(bench.Store.Commands.Begin("vendor/a", "status", long.MaxValue));
        bench.Store.Dispose();
        var identity = Path.Join(bench.Options.Directory, "identity");
        var old = File.ReadAllBytes(identity);
        bench.Reopen();
        bench.Store.Epochs.Rotate(erase: false);
        bench.Store.Dispose();
        var renewed = File.ReadAllBytes(identity);

        // Before: the database knows of the next epoch, the identity's file does not.
        File.WriteAllBytes(identity, old);
        bench.Reopen();
        Assert.Equal(0, bench.Store.Epochs.Epoch);
        Assert.Empty(bench.Store.Epochs.Farewells);
        bench.Fill(Bench.Set(), 1);
        Assert.Equal(4, Assert.Single(Deliver(bench)).Sequence);
        Assert.Null(bench.Store.Commands.Begin("vendor/b", "status", long.MaxValue));
        bench.Store.Dispose();

        // After: the file knows of it, the database tidies up.
        File.WriteAllBytes(identity, renewed);
        bench.Reopen();
        Assert.Equal(1, bench.Store.Epochs.Epoch);
        Assert.Null(bench.Store.Commands.Begin("vendor/b", "status", long.MaxValue));
    }

    [Fact]
    [Promise("R65")]
    public void Sealed_values_outlive_a_restart_and_lie_in_no_file_as_they_are()
    {
        using var bench = new Bench();
        bench.Store.Values.Set("a/1", "plain-canary-value"u8);
        bench.Store.Values.Set("a/2", "2"u8);
        bench.Store.Values.Set("b", "3"u8);
        bench.Store.Values.Remove("a/2");
        bench.Reopen();
        Assert.Equal("plain-canary-value"u8.ToArray(), bench.Store.Values.Get("a/1"));
        Assert.Equal(["a/1"], bench.Store.Values.Names("a/"));
        Assert.Null(bench.Store.Values.Get("a/2"));
        bench.Store.Dispose();
        foreach (var file in Directory.EnumerateFiles(bench.Options.Directory, "*", SearchOption.AllDirectories))
        {
            Assert.True(File.ReadAllBytes(file).AsSpan().IndexOf("plain-canary-value"u8) < 0, file);
        }
    }

    [Fact]
    [Promise("R21")]
    public void A_provisioned_key_gives_the_same_after_a_reflash_and_the_device_key_does_not()
    {
        using var folder = new TempFolder();
        var root = folder.File("root.key");
        File.WriteAllBytes(root, RandomNumberGenerator.GetBytes(32));
        File.SetUnixFileMode(root, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var provisioned = new List<string>();
        var device = new List<string>();
        for (var flash = 0; flash < 2; flash++)
        {
            using var bench = new Bench(o => o with { RootKeyFile = root });
            var key = new byte[32];
            bench.Store.Keys.DeriveProvisionedKey("x", key);
            provisioned.Add(Convert.ToHexString(key));
            device.Add(Key(bench.Store));
        }

        Assert.Equal(provisioned[0], provisioned[1]);
        Assert.NotEqual(device[0], device[1]);
    }

    private static string Key(StateStore store)
    {
        var key = new byte[32];
        store.Keys.DeriveKey("x", key);
        return Convert.ToHexString(key);
    }

    private static List<(long Id, long Sequence, long Consent)> Deliver(Bench bench)
    {
        var all = new List<(long, long, long)>();
        using var reader = bench.Spool.OpenReader("vendor");
        var item = new SpoolItem();
        while (reader.TryRead(item))
        {
            all.Add((item.PublicId, item.Sequence, item.PublicConsentId));
            reader.Acknowledge(item.Id);
        }

        reader.Settle();
        return all;
    }

    private static ConsentEvent Consent(string function) =>
        new(0, ConsentAction.Grant, function, "location.position", "", "subject", "cli", "1", "h", default);
}
