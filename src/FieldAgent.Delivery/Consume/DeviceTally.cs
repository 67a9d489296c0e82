using System.Globalization;

namespace FieldAgent.Delivery;

/// <summary>Counts of one function within one generation.</summary>
internal sealed class FunctionTally(ConsumerLimits limits)
{
    /// <summary>Numbers that arrived or were announced as lost.</summary>
    public SequenceRanges Accounted { get; } = new(limits.RangesMax);

    public long LastArrived { get; set; } = -1;

    public long Batches { get; set; }

    public long Readings { get; set; }

    public long Duplicates { get; set; }

    public long Gaps { get; set; }

    public long GapReadings { get; set; }

    public long OutOfOrder { get; set; }
}

/// <summary>Counts of one device. Bounded by <see cref="ConsumerLimits"/>. One thread at a time.</summary>
internal sealed class DeviceTally(string device, ConsumerOptions options)
{
    private readonly ConsumerLimits _limits = options.Limits;
    private readonly Dictionary<string, SequenceRanges> _items = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Generation, long Item), HashSet<int>> _partial = [];
    private readonly Dictionary<(string Generation, string Function), FunctionTally> _functions = [];
    private readonly SortedDictionary<string, long> _notices = new(StringComparer.Ordinal);
    private readonly HashSet<string> _references = new(StringComparer.Ordinal);
    private long _noticeDuplicates;

    public string Device { get; } = device;

    public bool? Online { get; set; }

    /// <summary>Notes a batch.</summary>
    /// <returns>False when it is a duplicate.</returns>
    public bool Batch(in BatchRead batch)
    {
        var tally = Function(batch.Head.Id.Generation, batch.Head.Function);
        if (!IsNew(batch.Head.Id, batch.Head.Parts, out var whole))
        {
            tally.Duplicates++;
            return false;
        }

        tally.Readings += batch.Readings;
        if (whole)
        {
            tally.Batches++;
            Arrived(tally, batch.Head.Sequence);
        }

        return true;
    }

    /// <summary>Notes a picture's manifest.</summary>
    public void Manifest(ManifestRead manifest)
    {
        var tally = Function(manifest.Head.Id.Generation, manifest.Head.Function);
        if (IsNew(manifest.Head.Id, 1, out _))
        {
            Arrived(tally, manifest.Head.Sequence);
        }
        else
        {
            tally.Duplicates++;
        }
    }

    /// <summary>Notes a chunk that came again.</summary>
    public void DuplicateChunk(string function)
    {
        // A chunk does not name its generation; any count of the function will do.
        foreach (var ((_, name), tally) in _functions)
        {
            if (name == function)
            {
                tally.Duplicates++;
                return;
            }
        }
    }

    /// <summary>Notes a gap.</summary>
    public void Gap(in GapRead gap)
    {
        var tally = Function(gap.Id.Generation, gap.Function);
        if (!IsNew(gap.Id, 1, out _))
        {
            tally.Duplicates++;
            return;
        }

        tally.Gaps++;
        tally.GapReadings += gap.Readings;
        // A gap without numbers (after a reset nobody knows them) covers none.
        if (gap.Blocks > 0 && gap.To >= gap.From)
        {
            tally.Accounted.AddRange(gap.From, gap.To);
        }
    }

    /// <summary>Notes a notice.</summary>
    /// <returns>False when it came before.</returns>
    public bool Notice(in NoticeRead notice)
    {
        if (!_references.Add(notice.Reference))
        {
            _noticeDuplicates++;
            return false;
        }

        if (_references.Count > _limits.NoticesMax)
        {
            _references.Remove(_references.First());
        }

        _notices[notice.Kind] = _notices.GetValueOrDefault(notice.Kind) + 1;
        return true;
    }

    /// <summary>The report of this device, with the pictures that <paramref name="photos"/> knows of it.</summary>
    public DeviceReport Report(PhotoAssembly photos)
    {
        var names = _functions.Keys.Select(k => k.Function).Concat(photos.Functions(Device)).Distinct().Order(StringComparer.Ordinal);
        return new DeviceReport
        {
            Device = Device, Online = Online, Functions = [.. names.Select(name => Report(name, photos))],
            Notices = new SortedDictionary<string, long>(_notices, StringComparer.Ordinal), NoticeDuplicates = _noticeDuplicates,
        };
    }

    private FunctionReport Report(string function, PhotoAssembly photos)
    {
        var tallies = _functions.Where(f => f.Key.Function == function).Select(f => f.Value).ToList();
        var holes = tallies.Where(t => t.Accounted.Count > 0)
            .SelectMany(t => t.Accounted.Holes(options.FirstSequence ?? t.Accounted.First)).ToList();
        var counts = photos.Counts(Device, function);
        return new FunctionReport
        {
            Function = function,
            Batches = tallies.Sum(t => t.Batches),
            Readings = tallies.Sum(t => t.Readings),
            Duplicates = tallies.Sum(t => t.Duplicates),
            Missing = holes.Sum(h => h.To - h.From + 1),
            MissingRanges = [.. holes.Take(_limits.ExamplesMax).Select(h => string.Create(CultureInfo.InvariantCulture, $"{h.From}-{h.To}"))],
            Gaps = tallies.Sum(t => t.Gaps),
            GapReadings = tallies.Sum(t => t.GapReadings),
            OutOfOrder = tallies.Sum(t => t.OutOfOrder),
            PhotosComplete = counts.Complete,
            PhotosIncomplete = counts.Incomplete,
            PhotosCorrupt = counts.Corrupt,
            PhotosGivenUp = counts.GivenUp,
        };
    }

    private static void Arrived(FunctionTally tally, long sequence)
    {
        tally.Accounted.Add(sequence);
        if (sequence < tally.LastArrived)
        {
            tally.OutOfOrder++;
        }

        tally.LastArrived = Math.Max(tally.LastArrived, sequence);
    }

    private bool IsNew(in MessageId id, int parts, out bool whole)
    {
        whole = parts == 1;
        if (!_items.TryGetValue(id.Generation, out var items))
        {
            if (_items.Count >= _limits.GenerationsMax)
            {
                throw new ContractViolation("$.id", "more store generations of one device than the consumer keeps apart");
            }

            _items[id.Generation] = items = new SequenceRanges(_limits.RangesMax);
        }

        if (parts == 1)
        {
            return items.Add(id.Item);
        }

        if (items.Contains(id.Item))
        {
            return false;
        }

        var key = (id.Generation, id.Item);
        if (!_partial.TryGetValue(key, out var seen))
        {
            if (_partial.Count >= _limits.PartialBlocksMax)
            {
                _partial.Remove(_partial.Keys.First());
            }

            _partial[key] = seen = [];
        }

        if (!seen.Add(id.Part))
        {
            return false;
        }

        if (seen.Count == parts)
        {
            _partial.Remove(key);
            items.Add(id.Item);
            whole = true;
        }

        return true;
    }

    private FunctionTally Function(string generation, string function)
    {
        if (!_functions.TryGetValue((generation, function), out var tally))
        {
            if (_functions.Count >= _limits.FunctionsMax)
            {
                throw new ContractViolation("$.function", "more functions of one device than the consumer keeps apart");
            }

            _functions[(generation, function)] = tally = new FunctionTally(_limits);
        }

        return tally;
    }
}
